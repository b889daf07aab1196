using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Gateway.Application;

/// <summary>
/// An application that keeps snapshots of its state: for pruning, for peers that join, and for joining. The shape is
/// that of ABCI's snapshot connection. All but <see cref="TryAdopt"/> from any thread.
/// </summary>
internal interface ISnapshotSource
{
    /// <summary>Heights at which a durable snapshot lies, lowest first.</summary>
    IReadOnlyList<Height> SnapshotHeights { get; }

    /// <summary>Opens a snapshot for reading; null when it is not there (any more).</summary>
    SnapshotFile? OpenSnapshot(Height height);

    /// <summary>The set that decides the height after a snapshot's; null when it is not there (any more).</summary>
    ValidatorSet? SnapshotValidators(Height height);

    /// <summary>
    /// Checks a snapshot from elsewhere against what headers say, and keeps it durably. The next restore finds it.
    /// Called from the node's task, before it takes part.
    /// </summary>
    /// <param name="bytes">What peers sent.</param>
    /// <param name="block">Header of the block whose state it must be.</param>
    /// <param name="following">Header of the block after, which names the state root.</param>
    /// <returns>Null when it was kept, else what is wrong with it.</returns>
    string? TryAdopt(ReadOnlyMemory<byte> bytes, BlockHeader block, BlockHeader following);
}
