package io.kvasir.actors.gateway;

import io.kvasir.actors.gpu.Embedding;
import io.kvasir.runtime.engine.PooledState;
import io.kvasir.runtime.engine.PromptSources;
import io.kvasir.runtime.engine.Usage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** Vectors as OpenAI's documents. Stateless. */
final class EmbeddingDocuments {
  private EmbeddingDocuments() {}

  /**
   * All vectors of a request, in the order of its inputs. Fewer dimensions are the first ones,
   * scaled to length 1 again.
   */
  static OpenAiDocuments.EmbeddingList list(
      EmbeddingsRequest request, String model, List<Embedding.Result> results) {
    List<OpenAiDocuments.EmbeddingDocument> data = new ArrayList<>(results.size());
    for (int i = 0; i < results.size(); i++) {
      float[] vector = shortened(results.get(i).vector(), request.dimensions());
      data.add(
          new OpenAiDocuments.EmbeddingDocument(
              "embedding", i, request.base64() ? base64(vector) : vector));
    }
    Usage usage = total(results);
    return new OpenAiDocuments.EmbeddingList(
        "list",
        data,
        model,
        new OpenAiDocuments.EmbeddingUsage(
            usage.promptTokens(),
            usage.promptTokens(),
            new OpenAiDocuments.PromptTokensDetails(
                usage.promptTokens() - usage.recomputedTokens()),
            new OpenAiDocuments.EmbeddingAccounting(
                usage.deviceHitTokens(),
                usage.recomputedTokens(),
                usage.rowLayersComputed(),
                usage.preemptions())));
  }

  /** The inputs' accounting added up; times are those of the input that waited or took longest. */
  static Usage total(List<Embedding.Result> results) {
    int prompt = 0;
    PromptSources sources = PromptSources.NONE;
    long rowLayers = 0;
    int preemptions = 0;
    long queuedNs = 0;
    long totalNs = 0;
    for (Embedding.Result result : results) {
      Usage one = result.usage();
      prompt += one.promptTokens();
      sources = sources.plus(one.sources());
      rowLayers += one.rowLayersComputed();
      preemptions += one.preemptions();
      queuedNs = Math.max(queuedNs, one.queuedNs());
      totalNs = Math.max(totalNs, one.totalNs());
    }
    return new Usage(prompt, sources, 0, 0, rowLayers, preemptions, queuedNs, -1, totalNs);
  }

  private static float[] shortened(float[] vector, Integer dimensions) {
    if (dimensions == null || dimensions == vector.length) {
      return vector;
    }
    float[] head = Arrays.copyOf(vector, dimensions);
    PooledState.normalise(head);
    return head;
  }

  private static String base64(float[] vector) {
    ByteBuffer bytes =
        ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(vector);
    return Base64.getEncoder().encodeToString(bytes.array());
  }
}
