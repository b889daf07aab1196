using FedIoT.Ledger;
using FedIoT.Storage.Files;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Application;

/// <summary>
/// Writes a snapshot every so many blocks beside the chain's work. A block never waits for it: when the disk is
/// slower than the interval, a snapshot is left out. A failure costs a longer replay at the next start and is logged.
/// </summary>
/// <param name="store">Where to.</param>
/// <param name="intervalBlocks">Blocks from one snapshot to the next, at least 1.</param>
/// <param name="logger">Tells of failures.</param>
public sealed partial class SnapshotWriter(SnapshotStore store, int intervalBlocks, ILogger logger) : IAsyncDisposable
{
    /// <summary>Default interval: some seconds of replay when busy, three hours when idle.</summary>
    public const int IntervalBlocksDefault = 1_000;

    private Task writing = Task.CompletedTask;

    /// <summary>Where snapshots are.</summary>
    public SnapshotStore Store => store;

    /// <summary>Called after each committed block, from the node's task.</summary>
    public void OnCommitted(LedgerState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (state.Height.Value % intervalBlocks == 0 && writing.IsCompleted)
        {
            writing = Task.Run(() => Write(state));
        }
    }

    /// <summary>Waits for the snapshot that is being written.</summary>
    public async ValueTask DisposeAsync() => await writing.ConfigureAwait(false);

    private void Write(LedgerState state)
    {
        try
        {
            store.Write(state);
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(logger, state.Height.Value, e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            EventId = 3301, Level = LogLevel.Warning, Message = "No snapshot was written at height {Height}.")]
        public static partial void NotWritten(ILogger logger, long height, Exception reason);
    }
}
