/**
 * The scenarios, one class each, named after the line of the issue that asks for it where there is
 * one. Each may run alone or after any other on the same ground. Stateless; one thread a run.
 */
package io.kvasir.chaos.scenario;
