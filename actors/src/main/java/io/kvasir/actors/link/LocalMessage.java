package io.kvasir.actors.link;

/** What a link actor tells itself; never leaves the node. */
non-sealed interface LocalMessage extends LinkMessage {}
