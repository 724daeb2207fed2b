package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.DeliveryPolicy;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code --policy}. */
final class PolicyConverter implements ITypeConverter<DeliveryPolicy> {

    @Override
    public DeliveryPolicy convert(String value) {
        try {
            return DeliveryPolicy.parse(value);
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException(e.getMessage());
        }
    }
}
