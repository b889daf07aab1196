using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Consensus;

/// <summary>
/// The replicated application, in the shape of ABCI 2.0: ordering bytes and executing them are two things.
/// The node calls it from one task only, never concurrently, except <see cref="CheckTransaction"/>,
/// <see cref="SenderOf"/> and <see cref="FindFollower"/>.
/// </summary>
public interface IApplication
{
    /// <summary>Height of the last committed block and the state root after it.</summary>
    ApplicationStatus Status { get; }

    /// <summary>
    /// Cheap admission test for the mempool: null = admit, else the reason. May be called from any thread.
    /// </summary>
    string? CheckTransaction(ReadOnlyMemory<byte> transaction);

    /// <summary>
    /// Whom a transaction names as its sender, so that one sender cannot take all of the mempool; null for nobody.
    /// Nothing is verified. Any thread.
    /// </summary>
    AccountId? SenderOf(ReadOnlyMemory<byte> transaction) => null;

    /// <summary>Chooses and orders transactions for a block that this node proposes.</summary>
    /// <param name="height">Height of the block to be.</param>
    /// <param name="candidates">From the mempool, oldest first.</param>
    /// <param name="bytesMax">Sum of lengths that the block may carry.</param>
    IReadOnlyList<ReadOnlyMemory<byte>> PrepareProposal(
        Height height, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax);

    /// <summary>True when the transactions may stand in a block at this height. Deterministic.</summary>
    bool ProcessProposal(Height height, IReadOnlyList<ReadOnlyMemory<byte>> transactions);

    /// <summary>Executes a decided block on top of the committed state. Deterministic.</summary>
    FinalizedBlock FinalizeBlock(DecidedBlock block);

    /// <summary>Makes the last finalized block's state the committed one.</summary>
    void Commit();

    /// <summary>
    /// Whether an account that is no validator may connect to follow the chain, as the peer filter of ABCI. Any thread.
    /// </summary>
    /// <param name="account">Who asks.</param>
    /// <param name="key">Its node key when it is admitted; else null.</param>
    FollowerStatus FindFollower(AccountId account, out VerifyingKey? key)
    {
        key = null;
        return FollowerStatus.Unknown; // an application without accounts
    }
}
