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
    public static RejectionReason? Check(
        Genesis genesis, Func<AccountId, Account?> find, ReadOnlyMemory<byte> bytes,
        out EquivocationEvidence? evidence)
    {
        evidence = EquivocationEvidence.Decode(bytes);
        if (evidence is null)
        {
            return RejectionReason.Malformed;
        }

        if (find(evidence.Validator) is not { } account)
        {
            return RejectionReason.UnknownSigner;
        }

        if ((account.Power == 0 && account.Stake == 0) || evidence.Height <= account.SlashedAt)
        {
            return RejectionReason.EvidenceStale;
        }

        return evidence.Verify(genesis.ChainId, account.Key) ? null : RejectionReason.BadSignature;
    }

    /// <summary>Takes the stake and the power.</summary>
    public static RejectionReason? Apply(BlockExecution block, ReadOnlyMemory<byte> bytes)
    {
        if (Check(block.Genesis, block.FindAccount, bytes, out EquivocationEvidence? evidence) is { } reason)
        {
            return reason;
        }

        if (!block.TryUseGas(GasCost))
        {
            return RejectionReason.BlockGasExceeded;
        }

        Account account = block.FindAccount(evidence!.Validator)!;
        Height slashedAt = evidence.Height > block.Height ? evidence.Height : block.Height;
        bool isLast = block.Accounts.All(a => a.Power == 0 || a.Id == account.Id); // somebody must decide blocks
        block.Strike(
            account with
            {
                Stake = 0,
                Power = isLast ? account.Power : 0,
                Roles = isLast ? account.Roles : account.Roles & ~AccountRoles.Validator,
                SlashedAt = slashedAt,
            },
            new Fault(
                FaultKind.Equivocation, account.Id, Hash256.Zero, evidence.Round, block.Height, evidence.Hash)
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
        foreach (ReadOnlyMemory<byte> candidate in candidates)
        {
            if (EquivocationEvidence.IsTagged(candidate.Span)
                && EquivocationEvidence.Decode(candidate) is { } evidence && !accused.Contains(evidence.Validator)
                && Check(state.Genesis, state.Accounts.GetValueOrDefault, candidate, out _) is null)
            {
                accused.Add(evidence.Validator);
                yield return candidate;
            }
        }
    }
}
