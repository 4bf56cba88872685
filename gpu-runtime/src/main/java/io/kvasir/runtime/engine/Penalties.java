package io.kvasir.runtime.engine;

/**
 * What tokens lose for having been there before. In this order, all in f32:
 *
 * <ul>
 *   <li>repetition: of every token in prompt or answer a positive logit is divided by it, another
 *       one multiplied;
 *   <li>frequency: subtracted once per occurrence in the answer;
 *   <li>presence: subtracted once from tokens that the answer holds.
 * </ul>
 *
 * @param repetition in (0, 100]; 1 = off, above 1 discourages
 * @param presence in [−2, 2]; 0 = off
 * @param frequency in [−2, 2]; 0 = off
 */
public record Penalties(float repetition, float presence, float frequency) {
  public static final Penalties NONE = new Penalties(1, 0, 0);

  public Penalties {
    SamplingParameters.require(
        repetition > 0 && repetition <= 100,
        "repetition_penalty",
        repetition,
        "above 0 and at most 100");
    SamplingParameters.require(
        presence >= -2 && presence <= 2, "presence_penalty", presence, "between -2 and 2");
    SamplingParameters.require(
        frequency >= -2 && frequency <= 2, "frequency_penalty", frequency, "between -2 and 2");
  }

  /** Whether they change any logit. */
  public boolean isNone() {
    return repetition == 1 && presence == 0 && frequency == 0;
  }
}
