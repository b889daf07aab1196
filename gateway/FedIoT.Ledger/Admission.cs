using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>What a node asks about a transaction before it stands in a block.</summary>
internal static class Admission
{
    public static RejectionReason? Check(LedgerState state, ReadOnlyMemory<byte> bytes, VerifiedSignatures cache)
    {
        if (EquivocationEvidence.IsTagged(bytes.Span))
        {
            RejectionReason? problem =
                EvidenceRules.Check(state, state.Genesis.ChainId, state.Height.Next, bytes, out _, out _);

            // Who saw it may be a block or two ahead of this node: it waits until it may stand in a block.
            return problem is not RejectionReason.EvidenceTooEarly ? problem
                : EvidenceRules.CheckAhead(state, bytes);
        }

        if (Decode(state, bytes, out Transaction? transaction) is RejectionReason reason)
        {
            return reason;
        }

        if (((IKeyDirectory)state).FindSigner(transaction!.Signer, out Account? found) is { } unknown)
        {
            return unknown;
        }

        Account signer = found!;
        if (transaction.Nonce <= signer.Nonce)
        {
            return RejectionReason.NonceStale;
        }

        if (transaction.Nonce - signer.Nonce > LedgerLimits.NoncesAheadMax)
        {
            return RejectionReason.NonceGap;
        }

        if (!cache.Verify(transaction.Hash, transaction.Message, signer.Key, TransactionCodec.Role))
        {
            return RejectionReason.BadSignature;
        }

        return CheckRole(transaction.Body, signer) ?? CheckProof(state, transaction, signer)
            ?? CheckDeltas(state, transaction.Body, signer, cache);
    }

    /// <summary>The checks that need no account: form, size, chain.</summary>
    public static RejectionReason? Decode(
        LedgerState state, ReadOnlyMemory<byte> bytes, out Transaction? transaction)
    {
        transaction = null;
        if (bytes.Length > TransactionCodec.BytesMax)
        {
            return RejectionReason.TooLarge;
        }

        if (!TransactionCodec.TryDecode(bytes, out transaction))
        {
            return RejectionReason.Malformed;
        }

        return transaction!.ChainId == state.Genesis.ChainId ? null : RejectionReason.WrongChain;
    }

    /// <summary>Who may send what.</summary>
    public static RejectionReason? CheckRole(TransactionBody body, Account signer) => body switch
    {
        RegisterGateway or CreateTask =>
            signer.Has(AccountRoles.Administrator) ? null : RejectionReason.NotAdministrator,
        VotePower => signer.Power > 0 ? null : RejectionReason.NotValidator,
        RecoverNodeKey => RejectionReason.RecoveryReserved,
        RotateNodeKey or RevokeNodeKey => null, // whoever has a key
        _ => signer.Has(AccountRoles.Gateway) ? null : RejectionReason.NotGateway,
    };

    public static IReadOnlyList<ReadOnlyMemory<byte>> PrepareBlock(
        LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax)
    {
        var chosen = new List<ReadOnlyMemory<byte>>();
        var nonces = new Dictionary<AccountId, ulong>();
        List<(AccountId Account, Transaction Transaction)> waiting = DecodeAll(state, candidates, nonces);
        long gas = 0;
        long bytes = 0;
        foreach (ReadOnlyMemory<byte> evidence in EvidenceRules.Choose(state, candidates))
        {
            if (bytes + evidence.Length <= bytesMax)
            {
                gas += EvidenceRules.GasCost; // there are at most as many as validators
                bytes += evidence.Length;
                chosen.Add(evidence);
            }
        }

        // Each pass takes what is next in its account's order; a candidate that came before its predecessor is
        // taken in a later pass. Every pass but the last takes at least one, and mempools are nearly in order.
        for (bool progress = true; progress;)
        {
            progress = false;
            var later = new List<(AccountId Account, Transaction Transaction)>();
            foreach ((AccountId account, Transaction transaction) in waiting)
            {
                if (transaction.Nonce != nonces[account] + 1)
                {
                    later.Add((account, transaction));
                    continue;
                }

                long cost = Gas.Of(transaction);
                if (gas + cost > LedgerLimits.BlockGasMax || bytes + transaction.Bytes.Length > bytesMax)
                {
                    continue; // its successors stay behind as well: their nonce is never reached
                }

                gas += cost;
                bytes += transaction.Bytes.Length;
                nonces[account]++;
                chosen.Add(transaction.Bytes);
                progress = true;
            }

            waiting = later;
        }

        return chosen;
    }

    public static bool MayFollow(LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> transactions)
    {
        var nonces = new Dictionary<AccountId, ulong>();
        var accused = new HashSet<AccountId>();
        Height next = state.Height.Next;
        long gas = 0;
        foreach (ReadOnlyMemory<byte> bytes in transactions)
        {
            if (EquivocationEvidence.IsTagged(bytes.Span))
            {
                if (nonces.Count > 0
                    || EvidenceRules.Check(state, state.Genesis.ChainId, next, bytes, out Account? account, out _)
                        is not null
                    || !accused.Add(account!.Id))
                {
                    return false;
                }

                gas += EvidenceRules.GasCost;
                continue;
            }

            if (Decode(state, bytes, out Transaction? transaction) is not null
                || ((IKeyDirectory)state).FindSigner(transaction!.Signer, out Account? signer) is not null
                || transaction.Nonce == 0
                || transaction.Nonce - 1 != nonces.GetValueOrDefault(signer!.Id, signer.Nonce))
            {
                return false;
            }

            nonces[signer.Id] = transaction.Nonce;
            gas += Gas.Of(transaction);
            if (gas > LedgerLimits.BlockGasMax)
            {
                return false;
            }
        }

        return true;
    }

    private static List<(AccountId Account, Transaction Transaction)> DecodeAll(
        LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> candidates, Dictionary<AccountId, ulong> nonces)
    {
        var waiting = new List<(AccountId Account, Transaction Transaction)>(candidates.Count);
        foreach (ReadOnlyMemory<byte> candidate in candidates)
        {
            if (Decode(state, candidate, out Transaction? transaction) is null
                && ((IKeyDirectory)state).FindSigner(transaction!.Signer, out Account? signer) is null
                && transaction.Nonce > signer!.Nonce)
            {
                nonces[signer.Id] = signer.Nonce;
                waiting.Add((signer.Id, transaction));
            }
        }

        return waiting;
    }

    // With a nonce still to come the account may have another key by then; only what is next can be judged.
    private static RejectionReason? CheckProof(LedgerState state, Transaction transaction, Account signer) =>
        transaction.Body is RotateNodeKey rotate && transaction.Nonce == signer.Nonce + 1
        && !KeyRules.IsProven(state.Genesis.ChainId, signer, transaction.Nonce, rotate)
            ? RejectionReason.KeyProofInvalid
            : null;

    private static RejectionReason? CheckDeltas(
        LedgerState state, TransactionBody body, Account signer, VerifiedSignatures cache)
    {
        if (body is not RevealDeltas reveal)
        {
            return null;
        }

        VerifyingKey? key = state.Tasks.TryGetValue(reveal.Task, out TaskState? task)
            ? signer.TrainingKeyAt(task.RoundStart)
            : signer.TrainingKey;
        foreach (ReadOnlyMemory<byte> bytes in reveal.SignedDeltas)
        {
            if (!SignedDelta.TryDecode(bytes, out SignedDelta? delta))
            {
                return RejectionReason.DeltaMalformed;
            }

            if (key is null
                || !cache.Verify(delta!.Hash, delta.Message, key, SignedDelta.Role))
            {
                return RejectionReason.DeltaSignature;
            }
        }

        return null;
    }
}
