package io.kvasir.actors.schedule;

/** What {@link GenerationDesk} receives: from nodes, and from its own gateway. */
sealed interface DeskCommand permits GenerationReply, GenerationDesk.Event {}
