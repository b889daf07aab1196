using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;

namespace FedIoT.Ledger;

/// <summary>What a node asks about a transaction before it stands in a block.</summary>
internal static class Admission
{
    public static RejectionReason? Check(LedgerState state, ReadOnlyMemory<byte> bytes, SignatureCache cache)
    {
        if (EquivocationEvidence.IsTagged(bytes.Span))
        {
            return EvidenceRules.Check(state.Genesis, state.Accounts.GetValueOrDefault, bytes, out _);
        }

        if (Decode(state, bytes, out Transaction? transaction) is RejectionReason reason)
        {
            return reason;
        }

        if (!state.Accounts.TryGetValue(transaction!.Signer, out Account? signer))
        {
            return RejectionReason.UnknownSigner;
        }

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

        return CheckRole(transaction.Body, signer) ?? CheckDeltas(transaction.Body, signer, cache);
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
        _ => signer.Has(AccountRoles.Gateway) ? null : RejectionReason.NotGateway,
    };

    public static IReadOnlyList<ReadOnlyMemory<byte>> PrepareBlock(
        LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> candidates, int bytesMax)
    {
        var chosen = new List<ReadOnlyMemory<byte>>();
        var nonces = new Dictionary<AccountId, ulong>();
        List<Transaction> waiting = DecodeAll(state, candidates, nonces);
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
            var later = new List<Transaction>();
            foreach (Transaction transaction in waiting)
            {
                if (transaction.Nonce != nonces[transaction.Signer] + 1)
                {
                    later.Add(transaction);
                    continue;
                }

                long cost = Gas.Of(transaction);
                if (gas + cost > LedgerLimits.BlockGasMax || bytes + transaction.Bytes.Length > bytesMax)
                {
                    continue; // its successors stay behind as well: their nonce is never reached
                }

                gas += cost;
                bytes += transaction.Bytes.Length;
                nonces[transaction.Signer]++;
                chosen.Add(transaction.Bytes);
                progress = true;
            }

            waiting = later;
        }

        return chosen;
    }

    private static List<Transaction> DecodeAll(
        LedgerState state, IReadOnlyList<ReadOnlyMemory<byte>> candidates, Dictionary<AccountId, ulong> nonces)
    {
        var waiting = new List<Transaction>(candidates.Count);
        foreach (ReadOnlyMemory<byte> candidate in candidates)
        {
            if (Decode(state, candidate, out Transaction? transaction) is null
                && state.Accounts.TryGetValue(transaction!.Signer, out Account? signer)
                && transaction.Nonce > signer.Nonce)
            {
                nonces[transaction.Signer] = signer.Nonce;
                waiting.Add(transaction);
            }
        }

        return waiting;
    }

    private static RejectionReason? CheckDeltas(TransactionBody body, Account signer, SignatureCache cache)
    {
        if (body is not RevealDeltas reveal)
        {
            return null;
        }

        foreach (ReadOnlyMemory<byte> bytes in reveal.SignedDeltas)
        {
            if (!SignedDelta.TryDecode(bytes, out SignedDelta? delta))
            {
                return RejectionReason.DeltaMalformed;
            }

            if (signer.TrainingKey is not VerifyingKey key
                || !cache.Verify(delta!.Hash, delta.Message, key, SignedDelta.Role))
            {
                return RejectionReason.DeltaSignature;
            }
        }

        return null;
    }
}
