package io.kvasir.runtime.checkpoint.jinja;

import com.hubspot.jinjava.util.HasObjectTruthValue;

/** Python's None: defined, false, printed as None. Java's null stands for undefined. */
enum PythonNone implements HasObjectTruthValue {
  NONE;

  @Override
  public boolean getObjectTruthValue() {
    return false;
  }

  @Override
  public String toString() {
    return "None";
  }
}
