package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A machine without an NVIDIA driver. */
class CudaUnavailableTest {

    @Test
    void sayWhyAndWhatToDo() throws Exception {
        assumeTrue(Cuda.unavailable().isPresent(), "there is a CUDA driver here");
        String why = Cuda.unavailable().get();
        assertTrue(why.contains("libcuda.so.1") && why.contains("install NVIDIA's driver"), why);
        assertEquals(List.of(), Cuda.devices());
        CudaUnavailableException named = assertThrows(CudaUnavailableException.class, () -> Cuda.device("0"));
        assertEquals(why, named.getMessage());
    }
}
