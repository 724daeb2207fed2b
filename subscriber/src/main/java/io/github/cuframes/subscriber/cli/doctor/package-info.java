/**
 * What the command {@code doctor} looks at. {@link io.github.cuframes.subscriber.cli.doctor.Doctor} runs one check after the other;
 * each adds its findings to a report.
 */
package io.github.cuframes.subscriber.cli.doctor;
