/**
 * The paged KV cache: the only owner of KV memory. Layouts, arena, page tables, keyed blocks with
 * prefix reuse, leases, recurrent states, export and import. Imports {@code device} only; imported
 * by engine, model and the methods. Everything of one {@link io.kvasir.runtime.cache.KvCache}
 * belongs to its engine's thread. Start at {@code KvCache}, then {@code SequenceCache}; the page
 * tables are {@code TokenTable} and {@code HeadTable}, memory is {@code PageArena} and {@code
 * BlockStore}.
 */
package io.kvasir.runtime.cache;
