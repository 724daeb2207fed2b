package io.github.cuframes.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What a {@link ChildJvm} does: answers each line of its standard input with one line. One thread. */
interface Servant extends AutoCloseable {

    /** How an answer begins that says why something could not be done. */
    String FAILED = "failed: ";

    /**
     * Does what the first word says.
     *
     * @return the answer, one line
     * @throws IOException if it cannot be done; the reason is the answer
     */
    String answer(String order, List<String> arguments) throws IOException;

    @Override
    void close() throws IOException;

    /** Answers until standard input ends, then closes. */
    static void serve(Servant servant) throws IOException {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.US_ASCII);
        try (servant) {
            String line;
            while ((line = orders.readLine()) != null) {
                List<String> words = List.of(line.split(" "));
                String answer;
                try {
                    answer = servant.answer(words.get(0), words.subList(1, words.size()));
                } catch (IOException | RuntimeException e) {
                    answer = FAILED + line + ": " + String.valueOf(e).replace('\n', ' ');
                }
                out.println(answer);
            }
        }
    }

    /** The answer to an order that this servant does not know. */
    static IllegalArgumentException unknown(String order) {
        return new IllegalArgumentException("unknown order " + order);
    }
}
