/**
 * Configuration files: YAML to {@link io.github.cuframes.producer.GroupConfig}, with all errors and where they are. Logs
 * nothing, since the file says how logs are written.
 */
package io.github.cuframes.producer.config;
