/**
 * A cluster of real JVMs as its users and operators see it: the OpenAI API, the admin routes, and
 * signals to its processes. {@link io.kvasir.chaos.cluster.ClusterUnderTest} is for one thread,
 * what it hands out for any. Start there.
 */
package io.kvasir.chaos.cluster;
