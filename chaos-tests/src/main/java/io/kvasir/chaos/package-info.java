/**
 * Fault injection and whole-tree checks. Top of the arrows: may import every module and is imported
 * by none.
 */
package io.kvasir.chaos;
