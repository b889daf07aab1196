using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using MQTTnet.Packets;
using MQTTnet.Protocol;

namespace FedIoT.Gateway.Ingest;

/// <summary>
/// Everything about a publish that can be judged without state: flags, topic, frame, tag, specification. Runs on the
/// connection's thread, so that verification is parallel. Thread-safe.
/// </summary>
internal sealed class FrameInspector(DeviceRegistry registry, FeatureSpecification specification)
{
    private readonly uint specificationTag = specification.Tag;
    private readonly int featureCount = specification.FeatureCount;

    /// <summary>Judges a publish of a connected device.</summary>
    /// <param name="device">Whose connection it is.</param>
    /// <param name="packet">What it published.</param>
    /// <param name="pending">The frame, when nothing is wrong so far; whether it is a replay is judged later.</param>
    public FrameRejection Inspect(DeviceRegistry.Entry device, MqttPublishPacket packet, out PendingFrame? pending)
    {
        pending = null;
        if (packet.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtLeastOnce)
        {
            return FrameRejection.WrongQualityOfService;
        }

        if (packet.Retain)
        {
            return FrameRejection.Retained;
        }

        if (packet.Topic != device.Topic)
        {
            return FrameRejection.ForeignTopic;
        }

        if (packet.Payload.Length > DeviceFrame.BytesMax)
        {
            return FrameRejection.TooLong;
        }

        // The packet decoder copied the payload into an array of its own; a further copy is for the odd case.
        ReadOnlyMemory<byte> bytes = packet.Payload.IsSingleSegment
            ? packet.Payload.First
            : System.Buffers.BuffersExtensions.ToArray(packet.Payload);
        if (!DeviceFrameDecoder.TryDecode(bytes.Span, out DeviceFrame frame, out FrameRejection rejection))
        {
            return rejection;
        }

        if (!frame.IsFrom(device.Id))
        {
            return registry.Contains(frame.KeyId) ? FrameRejection.ForeignKeyId : FrameRejection.UnknownDevice;
        }

        if (!DeviceFrameDecoder.TryVerify(frame, device.Topic, device.Key))
        {
            return FrameRejection.ForgedTag;
        }

        if (frame.SpecificationTag != specificationTag || frame.FeatureCount != featureCount)
        {
            return FrameRejection.OtherSpecification;
        }

        pending = new PendingFrame(device, bytes, frame.BootId, frame.Sequence);
        return FrameRejection.None;
    }
}
