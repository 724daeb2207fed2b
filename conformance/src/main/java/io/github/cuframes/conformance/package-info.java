/** What the checks of both sides share: the protocol's page, raw bytes, the control socket, clauses and their results. */
package io.github.cuframes.conformance;
