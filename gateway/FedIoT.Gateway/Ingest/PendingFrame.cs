using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>A verified frame between its connection and the journal.</summary>
internal sealed class PendingFrame(DeviceRegistry.Entry? device, ReadOnlyMemory<byte> bytes, uint bootId, uint sequence)
{
    private readonly TaskCompletionSource<FrameRejection> decided =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Who sent it; null for a marker that only passes through the queues.</summary>
    public DeviceRegistry.Entry? Device => device;

    /// <summary>The frame as it was received.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes;

    /// <summary>Number of the device's boot.</summary>
    public uint BootId => bootId;

    /// <summary>Number of the frame in its boot.</summary>
    public uint Sequence => sequence;

    /// <summary>The replay check's answer; told to the device only when <see cref="Decided"/> completes.</summary>
    public FrameRejection Verdict { get; set; }

    /// <summary>Completes when the frame is durable, or never will be (NotDurable); a marker's when stored.</summary>
    public Task<FrameRejection> Decided => decided.Task;

    /// <summary>Completes <see cref="Decided"/>; the first call counts.</summary>
    public void Decide(FrameRejection verdict) => decided.TrySetResult(verdict);

    /// <summary>A marker: decided when everything queued before it is in the feature store.</summary>
    public static PendingFrame Marker() => new(null, default, 0, 0);
}
