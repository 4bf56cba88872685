package io.kvasir.actors.schedule;

/** What {@link GenerationService} receives: from gateways, and from its own node. */
sealed interface ServiceCommand permits GenerationMessage, GenerationService.Event {}
