using System.Collections.Concurrent;
using System.Security.Cryptography;
using FedIoT.Consensus;
using FedIoT.Wire;
using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Tests.Chain;

/// <summary>
/// Counts transactions; its root is the hash over all of them in order. Refuses those that start with 255 and fails on
/// those that start with 254. Those that start with 1, then an account's number and a power, change the validator set;
/// 2 and a number admits a follower, 3 and a number refuses one.
/// </summary>
internal sealed class CounterApplication(IReadOnlyList<TestSigner> accounts) : IApplication
{
    private readonly ConcurrentDictionary<AccountId, VerifyingKey?> followers = new();
    private ApplicationStatus status = new(Height.Genesis, Hash256.Of("counter"u8));
    private ApplicationStatus? next;
    private long nextCount;

    /// <summary>Transactions of committed blocks.</summary>
    public long Count { get; private set; }

    /// <summary>True: computes another root than the others, as a broken memory would.</summary>
    public bool IsCorrupt { get; set; }

    public ApplicationStatus Status => status;

    public string? CheckTransaction(ReadOnlyMemory<byte> transaction) =>
        transaction.Span[0] switch
        {
            255 => "starts with 255",
            254 => throw new KeyNotFoundException("A defect of the application."),
            _ => null,
        };

    public IReadOnlyList<ReadOnlyMemory<byte>> PrepareProposal(
        Height height, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax) => candidates;

    public bool ProcessProposal(Height height, IReadOnlyList<ReadOnlyMemory<byte>> transactions) =>
        transactions.All(t => t.Span[0] != 255);

    public FinalizedBlock FinalizeBlock(DecidedBlock block)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(status.StateRoot.ToArray());
        hash.AppendData(IsCorrupt ? [1] : []);
        foreach (ReadOnlyMemory<byte> transaction in block.Transactions)
        {
            hash.AppendData(transaction.Span);
        }

        List<ValidatorUpdate> updates = [.. block.Transactions.SelectMany(t => Obey(t.Span))];
        next = new ApplicationStatus(block.Height, new Hash256(hash.GetHashAndReset()));
        nextCount = Count + block.Transactions.Count;
        return new FinalizedBlock(next.StateRoot, new string?[block.Transactions.Count], WantsNextBlock: false)
        {
            ValidatorUpdates = updates,
        };
    }

    public FollowerStatus FindFollower(AccountId account, out VerifyingKey? key) =>
        !followers.TryGetValue(account, out key) ? FollowerStatus.Unknown
        : key is null ? FollowerStatus.Refused
        : FollowerStatus.Admitted;

    private List<ValidatorUpdate> Obey(ReadOnlySpan<byte> transaction)
    {
        if (transaction[0] is 0 or > 3)
        {
            return [];
        }

        VerifyingKey key = accounts[transaction[1]].PublicKey;
        if (transaction[0] == 1)
        {
            return [new ValidatorUpdate(key, transaction[2])];
        }

        followers[key.Account] = transaction[0] == 2 ? key : null;
        return [];
    }

    public void Commit()
    {
        status = next ?? throw new InvalidOperationException("Nothing was finalized.");
        Count = nextCount;
    }
}
