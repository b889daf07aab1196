using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain;

/// <summary>
/// The node keys of a node: one, or two while it changes from one to the other. At each height the one that stands in
/// the validator set signs; each has its own memory, and no height is signed with two.
/// </summary>
/// <remarks>
/// <see cref="Choose"/> belongs to the node's task; the signing calls to the signing task, one at a time. Owns neither
/// keys nor memories.
/// </remarks>
internal sealed class NodeSigners
{
    private readonly Entry[] entries;
    private Entry chosen;

    /// <summary>Takes the keys.</summary>
    /// <param name="keys">At least one, the present one first, each with the memory of that key.</param>
    public NodeSigners(IReadOnlyList<(ISigner Signer, VotingKey Key)> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        entries = [.. keys.Select(k => new Entry(k.Signer, k.Key))];
        chosen = entries.Length > 0 ? entries[0] : throw new ArgumentException("A node has a key.", nameof(keys));
    }

    /// <summary>The key that signs at the present height; when none is in its set, the one that may follow.</summary>
    public ISigner Current => chosen.Signer;

    /// <summary>Why the present key's counter forbids to sign, although the key could; or null.</summary>
    public string? Refusal => chosen.Key.Refusal;

    /// <summary>Increments that the present key's counter has left; null where there is none.</summary>
    public long? CountsLeft => chosen.Key.CountsLeft;

    /// <summary>Identity of <see cref="Current"/>.</summary>
    public AccountId Self => chosen.Id;

    /// <summary>The newest signature of any of the keys; null before the first.</summary>
    public SignRecord? Last => entries.Select(e => e.Key.Last).MaxBy(r => r?.Height.Value ?? -1);

    /// <summary>True for a key of this node.</summary>
    public bool IsOwn(AccountId key) => entries.Any(e => e.Id == key);

    /// <summary>Power of this node's keys in a set.</summary>
    public long PowerIn(ValidatorSet validators) => entries.Select(e => validators.IndexOf(e.Id))
        .Where(i => i >= 0).Sum(i => validators[i].Power);

    /// <summary>What one of the keys signed at a height, oldest first.</summary>
    public IReadOnlyList<SignRecord> SignedAt(AccountId key, Height height) =>
        entries.FirstOrDefault(e => e.Id == key)?.Key.SignedAt(height) ?? [];

    /// <summary>Takes the key that is in a height's set, or else the one that may follow the chain.</summary>
    /// <returns>True when it is another one than before.</returns>
    public bool Choose(ValidatorSet validators, IApplication application)
    {
        // Both can only be there when they are two accounts' keys; then the node stays with what it has.
        Entry before = chosen;
        if (validators.IndexOf(chosen.Id) < 0)
        {
            chosen = entries.FirstOrDefault(e => validators.IndexOf(e.Id) >= 0)
                ?? entries.FirstOrDefault(e => application.FindFollower(e.Id, out _) == FollowerStatus.Admitted)
                ?? chosen;
        }

        return chosen != before;
    }

    /// <summary>Signs a vote with the key that it names; null when a guard refuses.</summary>
    /// <exception cref="SignerException">The key or its memory failed: nothing leaves.</exception>
    public SignedVote? TrySign(Vote vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        return FreeAt(vote.Validator, vote.Height)?.Key.TrySign(vote);
    }

    /// <summary>Signs a proposal with the key that it names; null when a guard refuses.</summary>
    /// <exception cref="SignerException">The key or its memory failed: nothing leaves.</exception>
    public SignedProposal? TrySign(Proposal proposal, Block block)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        return FreeAt(proposal.Proposer, proposal.Height)?.Key.TrySign(proposal, block);
    }

    /// <summary>What a restarted node knows of a height that the present key signed at; null when it did not.</summary>
    public RestoredVotes? RestoredAt(Height height, BlockStore store)
    {
        IReadOnlyList<SignRecord> records = chosen.Key.SignedAt(height);
        if (records.Count == 0)
        {
            return null;
        }

        int proposalRound = records.Where(r => r.Step == ConsensusStep.Propose)
            .Select(r => r.Round).DefaultIfEmpty(-1).Max();
        SignRecord? locking = records.LastOrDefault(
            r => r.Step == ConsensusStep.Precommit && !r.BlockHash.IsZero);
        return new RestoredVotes(
            [.. records.Select(r => r.ToVote()).OfType<SignedVote>()],
            proposalRound,
            locking is null ? null : store.FindLock(locking.BlockHash));
    }

    // Two keys of one node are one validator: where one has spoken, at this height or later, the other keeps silent.
    private Entry? FreeAt(AccountId key, Height height)
    {
        Entry? entry = entries.FirstOrDefault(e => e.Id == key);
        return entry is not null && entries.All(e => e == entry || !(e.Key.Last?.Height >= height)) ? entry : null;
    }

    private sealed record Entry(ISigner Signer, VotingKey Key)
    {
        public AccountId Id => Signer.PublicKey.Account;
    }
}
