/**
 * {@code kvasir chat}: a conversation in the terminal with any node, over its OpenAI API. Imported
 * by the command line only; knows nothing of the node's inside. One thread talks; a Ctrl-C may stop
 * an answer from another. Start at {@link io.kvasir.node.chat.ChatSession}.
 */
package io.kvasir.node.chat;
