namespace FedIoT.Gateway.Chain.Peering;

/// <summary>A piece of a frame as it goes over the wire.</summary>
internal readonly record struct FramePart(FrameType Type, ReadOnlyMemory<byte> Bytes, bool IsLast);
