using FedIoT.Storage.Files;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Application;

/// <summary>
/// Writes a snapshot every so many blocks beside the chain's work. A block never waits for it: when the disk is
/// slower than the interval, a snapshot is left out. A failure costs a longer replay at the next start and is logged.
/// </summary>
public sealed partial class SnapshotWriter : IAsyncDisposable
{
    /// <summary>Default interval: some seconds of replay when busy, three hours when idle.</summary>
    public const int IntervalBlocksDefault = 1_000;

    private readonly int intervalBlocks;
    private readonly ILogger logger;
    private readonly Func<Action, Task> start;
    private Task writing = Task.CompletedTask;

    /// <summary>Writes in a task of its own.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="intervalBlocks">Blocks from one snapshot to the next, at least 1.</param>
    /// <param name="logger">Tells of failures.</param>
    public SnapshotWriter(SnapshotStore store, int intervalBlocks, ILogger logger)
        : this(store, intervalBlocks, logger, Task.Run)
    {
    }

    /// <summary>Writes where it is told to.</summary>
    internal SnapshotWriter(SnapshotStore store, int intervalBlocks, ILogger logger, Func<Action, Task> start)
    {
        Store = store;
        this.intervalBlocks = intervalBlocks;
        this.logger = logger;
        this.start = start;
    }

    /// <summary>Where snapshots are.</summary>
    public SnapshotStore Store { get; }

    /// <summary>Called after each committed block, from the node's task.</summary>
    public void OnCommitted(StoredSnapshot committed)
    {
        ArgumentNullException.ThrowIfNull(committed);
        if (committed.State.Height.Value % intervalBlocks == 0 && writing.IsCompleted)
        {
            writing = start(() => Write(committed));
        }
    }

    /// <summary>Waits for the snapshot that is being written.</summary>
    public async ValueTask DisposeAsync() => await writing.ConfigureAwait(false);

    private void Write(StoredSnapshot snapshot)
    {
        try
        {
            Store.Write(snapshot);
        }
        catch (StorageException e)
        {
            Log.NotWritten(logger, snapshot.State.Height.Value, e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            EventId = 3301, Level = LogLevel.Warning, Message = "No snapshot was written at height {Height}.")]
        public static partial void NotWritten(ILogger logger, long height, Exception reason);
    }
}
