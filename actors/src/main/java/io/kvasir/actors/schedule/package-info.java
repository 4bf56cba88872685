/**
 * Which node computes a prompt, and what happens when it dies: scoring of nodes, generations that
 * live on another node behind a progress lease, and their replay elsewhere. Pure rules in plain
 * classes, actors around them.
 */
package io.kvasir.actors.schedule;
