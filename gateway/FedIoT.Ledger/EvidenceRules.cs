using FedIoT.Ledger.Events;
using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>
/// Signing two consensus messages where one is allowed costs a validator all of its stake and its place, once for all
/// that it did until then. Anybody may hand in the proof.
/// </summary>
internal static class EvidenceRules
{
    /// <summary>What evidence costs, as <see cref="Gas.Of"/> counts.</summary>
    public const long GasCost = Gas.Base + (2 * Gas.Signature);

    /// <summary>Null when the evidence holds and its validator has something to lose for it.</summary>
    /// <param name="keys">Finds keys and accounts.</param>
    /// <param name="chainId">The chain.</param>
    /// <param name="height">Of the block that it would stand in.</param>
    /// <param name="bytes">The evidence.</param>
    /// <param name="account">Who pays; set when null is returned.</param>
    /// <param name="evidence">What it says; set when it could be read.</param>
    public static RejectionReason? Check(
        IKeyDirectory keys, string chainId, Height height, ReadOnlyMemory<byte> bytes, out Account? account,
        out EquivocationEvidence? evidence)
    {
        account = null;
        evidence = EquivocationEvidence.Decode(bytes);
        if (evidence is null)
        {
            return RejectionReason.Malformed;
        }

        // Votes name a key, and a retired one still answers for what it signed while it was in force.
        if (keys.FindKey(evidence.Validator) is not { } key)
        {
            return RejectionReason.UnknownSigner;
        }

        account = keys.FindAccount(key.Account)!;
        if ((account.Power == 0 && account.Stake == 0) || evidence.Height <= account.SlashedAt)
        {
            return RejectionReason.EvidenceStale;
        }

        // Else "paid for up to this height" could be bought in advance: whoever proves two votes of its own at a height
        // that nobody lives to see would never be punished again.
        if (evidence.Height > height)
        {
            return RejectionReason.EvidenceTooEarly;
        }

        if (height.Value - evidence.Height.Value > LedgerLimits.EvidenceBlocksMax)
        {
            return RejectionReason.EvidenceTooOld;
        }

        if (!key.Covers(evidence.Height))
        {
            return RejectionReason.EvidenceOutsideKey;
        }

        return evidence.Verify(chainId, key.Key) ? null : RejectionReason.BadSignature;
    }

    /// <summary>The same for evidence of a height that comes soon, as if the chain were there.</summary>
    public static RejectionReason? CheckAhead(LedgerState state, ReadOnlyMemory<byte> bytes)
    {
        var latest = new Height(state.Height.Value + LedgerLimits.EvidenceHeightsAheadMax);
        return Check(state, state.Genesis.ChainId, latest, bytes, out _, out _);
    }

    /// <summary>Takes the stake and the power.</summary>
    public static RejectionReason? Apply(BlockExecution block, ReadOnlyMemory<byte> bytes)
    {
        if (Check(
            block, block.Genesis.ChainId, block.Height, bytes, out Account? account,
            out EquivocationEvidence? evidence) is { } reason)
        {
            return reason;
        }

        if (!block.TryUseGas(GasCost))
        {
            return RejectionReason.BlockGasExceeded;
        }

        bool isLast = block.Accounts.All(a => a.Power == 0 || a.Id == account!.Id); // somebody must decide blocks
        block.Strike(
            account! with
            {
                Stake = 0,
                Power = isLast ? account.Power : 0,
                Roles = isLast ? account.Roles : account.Roles & ~AccountRoles.Validator,
                SlashedAt = block.Height,
            },
            new Fault(
                FaultKind.Equivocation, account.Id, Hash256.Zero, evidence!.Round, block.Height, evidence.Hash)
            {
                OffenceHeight = evidence.Height,
                Messages = evidence.Kind,
                Slashed = account.Stake,
            });
        block.Emit(new StakeSlashed(account.Id, account.Stake));
        if (account.Power > 0 && !isLast)
        {
            block.Emit(new ValidatorPowerChanged(account.Key, Power: 0));
        }

        return null;
    }

    /// <summary>The candidates that may stand in a block, in their order: each validator's first that holds.</summary>
    public static IEnumerable<ReadOnlyMemory<byte>> Choose(
        LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> candidates)
    {
        var accused = new HashSet<AccountId>();
        Height next = state.Height.Next;
        foreach (ReadOnlyMemory<byte> candidate in candidates)
        {
            if (EquivocationEvidence.IsTagged(candidate.Span)
                && EquivocationEvidence.Decode(candidate) is { } evidence
                && state.FindKey(evidence.Validator) is { } key && !accused.Contains(key.Account)
                && Check(state, state.Genesis.ChainId, next, candidate, out _, out _) is null)
            {
                accused.Add(key.Account);
                yield return candidate;
            }
        }
    }
}
