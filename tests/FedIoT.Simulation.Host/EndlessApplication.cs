using FedIoT.Consensus;
using FedIoT.Wire;

namespace FedIoT.Simulation.Host;

/// <summary>Always wants another block; its root is a hash chain over heights and transactions.</summary>
internal sealed class EndlessApplication : IApplication
{
    private ApplicationStatus? next;

    public ApplicationStatus Status { get; private set; } = new(Height.Genesis, Hash256.Of("endless"u8));

    public string? CheckTransaction(ReadOnlyMemory<byte> transaction) => null;

    public IReadOnlyList<ReadOnlyMemory<byte>> PrepareProposal(
        Height height, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax) => [new byte[2_000]];

    public bool ProcessProposal(Height height, IReadOnlyList<ReadOnlyMemory<byte>> transactions) => true;

    public FinalizedBlock FinalizeBlock(DecidedBlock block)
    {
        byte[] input = [.. Status.StateRoot.ToArray(), .. BitConverter.GetBytes(block.Time)];
        next = new ApplicationStatus(block.Height, Hash256.Of(input));
        return new FinalizedBlock(next.StateRoot, new string?[block.Transactions.Count], WantsNextBlock: true);
    }

    public void Commit() => Status = next ?? throw new InvalidOperationException("Nothing was finalized.");
}
