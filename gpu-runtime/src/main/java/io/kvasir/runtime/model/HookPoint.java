package io.kvasir.runtime.model;

/** Where a hook may look. */
public enum HookPoint {
  /** Hidden states before a layer, [rows, hiddenSize]. */
  BEFORE_LAYER,
  /** Hidden states after a layer. */
  AFTER_LAYER,
  /** Queries before rotation, [rows, heads × headDim]. */
  QUERY,
  /** Queries after rotation. */
  QUERY_ROTATED,
  /** Keys before rotation, [rows, kvHeads × headDim], of rows that write. */
  KEY,
  /** Keys after rotation. */
  KEY_ROTATED,
  /** Values, of rows that write. */
  VALUE,
  /** After K and V of the layer were written into pages; no buffer. */
  KV_WRITTEN,
  /** Router scores before any expert runs, [rows, experts]. */
  ROUTER
}
