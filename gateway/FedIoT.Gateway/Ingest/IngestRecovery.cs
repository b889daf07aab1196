using FedIoT.Storage.Features;
using FedIoT.Storage.Files;

namespace FedIoT.Gateway.Ingest;

/// <summary>Before the first connection: the journal's frames go into the store, windows are rebuilt.</summary>
internal static class IngestRecovery
{
    /// <summary>Moves, rebuilds, and removes what the store then holds durably.</summary>
    /// <returns>One window for each enrolled device, by its index.</returns>
    /// <exception cref="StorageException">Journal or store are damaged or not accessible.</exception>
    public static ReplayWindow[] Run(
        SegmentLog log, FeatureStore store, DeviceRegistry registry, IngestCounters counters)
    {
        var frames = new List<StoredFrame>();
        foreach (LogRecord record in log.ReadFrom(log.Start))
        {
            if (FrameStorer.TryParse(record.Payload, out StoredFrame frame))
            {
                frames.Add(frame);
            }

            if (frames.Count == FrameStorer.TransactionMax)
            {
                counters.AddRecovered(store.Insert(frames));
                frames.Clear();
            }
        }

        counters.AddRecovered(store.Insert(frames));
        if (store.TryMakeDurable())
        {
            log.DeleteBefore(log.End);
        }

        return RebuildWindows(store, registry);
    }

    // The store now holds every accepted frame, so the newest of each device are the windows.
    private static ReplayWindow[] RebuildWindows(FeatureStore store, DeviceRegistry registry)
    {
        var windows = new ReplayWindow[registry.Count];
        foreach (StoredSequences newest in store.ReadNewestSequences(ReplayWindow.Width))
        {
            if (registry.Find(newest.Device.Text) is not { } device)
            {
                continue;
            }

            foreach (uint sequence in newest.Sequences)
            {
                windows[device.Index].Accept(newest.BootId, sequence);
            }
        }

        return windows;
    }
}
