package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.Nvdec;
import io.github.cuframes.memory.cuda.Nvdec.Capabilities;
import io.github.cuframes.memory.cuda.Nvdec.Chroma;
import io.github.cuframes.memory.cuda.Nvdec.Codec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What one GPU decodes. */
final class NvdecCheck implements Check {

    /** The order in which cameras are likely to send them. */
    private static final List<Codec> CODECS =
            List.of(Codec.H264, Codec.HEVC, Codec.AV1, Codec.VP9, Codec.VP8, Codec.MPEG2, Codec.JPEG);

    private static final int[] DEPTHS = {8, 10, 12};

    private final CudaContext context;
    private final Map<String, Object> fact;

    /**
     * A check.
     *
     * @param context of the GPU
     * @param fact what is known of the GPU, to which this adds {@code codecs}
     */
    NvdecCheck(CudaContext context, Map<String, Object> fact) {
        this.context = context;
        this.fact = fact;
    }

    @Override
    public void run(Report report) {
        String id = "nvdec-" + context.device().ordinal();
        List<Map<String, Object>> codecs = new ArrayList<>();
        fact.put("codecs", codecs);
        if (Nvdec.unavailable().isPresent()) {
            return; // finding nvcuvid says so
        }
        try {
            List<String> texts = new ArrayList<>();
            List<String> missing = new ArrayList<>();
            int engines = 0;
            for (Codec codec : CODECS) {
                List<Map<String, Object>> variants = ask(codec);
                codecs.addAll(variants);
                if (!variants.isEmpty()) {
                    texts.add(describe(codec, variants));
                    engines = Math.max(engines, (Integer) variants.get(0).get("engines"));
                } else if (codec == Codec.H264 || codec == Codec.HEVC) {
                    missing.add(codec.label());
                }
            }
            report.add(finding(id, texts, missing, engines));
        } catch (IOException e) {
            report.add(
                    Finding.problem(
                            id,
                            "the hardware decoder does not answer: " + e.getMessage(),
                            "see that driver and decoder library are of one version; until then streams are decoded by the CPU"));
        }
    }

    private Finding finding(String id, List<String> texts, List<String> missing, int engines) {
        if (texts.isEmpty()) {
            return Finding.warning(
                    id,
                    "this GPU, or the part of it that this process was given, has no hardware decoder",
                    "use another GPU or MIG profile; else streams are decoded by the CPU and uploaded");
        }
        String text = (engines == 0 ? "" : engines + (engines == 1 ? " engine decodes " : " engines decode "))
                + String.join("; ", texts);
        return missing.isEmpty()
                ? Finding.ok(id, text)
                : Finding.warning(
                        id,
                        text + "; but not " + String.join(" and ", missing),
                        "let cameras send what it decodes; other streams are decoded by the CPU and uploaded");
    }

    private List<Map<String, Object>> ask(Codec codec) throws IOException {
        List<Map<String, Object>> variants = new ArrayList<>();
        for (Chroma chroma : Chroma.values()) {
            for (int depth : DEPTHS) {
                Capabilities can = Nvdec.capabilities(context, codec, chroma, depth);
                if (can.supported()) {
                    Map<String, Object> variant = new LinkedHashMap<>();
                    variant.put("codec", codec.label());
                    variant.put("chroma", chroma.label());
                    variant.put("bits", depth);
                    variant.put("maxWidth", can.maxWidth());
                    variant.put("maxHeight", can.maxHeight());
                    variant.put("maxMacroblocks", can.maxMacroblocks());
                    variant.put("engines", can.engines());
                    variants.add(variant);
                }
            }
        }
        return variants;
    }

    /** Such as "HEVC 4:2:0 8/10/12 4:4:4 8/10/12 bit up to 8192x8192". */
    private static String describe(Codec codec, List<Map<String, Object>> variants) {
        Map<String, List<String>> depths = new LinkedHashMap<>();
        int width = 0;
        int height = 0;
        for (Map<String, Object> variant : variants) {
            depths.computeIfAbsent((String) variant.get("chroma"), chroma -> new ArrayList<>())
                    .add(variant.get("bits").toString());
            width = Math.max(width, (Integer) variant.get("maxWidth"));
            height = Math.max(height, (Integer) variant.get("maxHeight"));
        }
        StringBuilder text = new StringBuilder(codec.label());
        depths.forEach(
                (chroma, bits) -> text.append(' ').append(chroma).append(' ').append(String.join("/", bits)));
        return text.append(" bit up to ")
                .append(width)
                .append('x')
                .append(height)
                .toString();
    }
}
