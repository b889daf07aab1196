using FedIoT.Consensus;
using FedIoT.Consensus.Light;
using FedIoT.Ledger;
using FedIoT.Wire;
using FedIoT.Wire.Transactions;

namespace FedIoT.Gateway.Audit;

/// <summary>
/// Checks a bundle without a chain: the genesis is the trusted one, its validators signed the header, and the
/// header covers what is claimed. Pure; thread-safe; nothing throws.
/// </summary>
public static class BundleVerifier
{
    /// <summary>Checks a bundle.</summary>
    /// <param name="bytes">What somebody sent.</param>
    /// <param name="pin">Trusted genesis hash; null to believe the genesis in the bundle.</param>
    public static BundleCheck Check(ReadOnlyMemory<byte> bytes, Hash256? pin)
    {
        if (!Bundle.TryDecode(bytes, out Bundle? bundle) || bundle is null)
        {
            return Wrong(Height.Genesis, "bundle", "its canonical encoding", "other bytes");
        }

        Hash256 genesisHash = Hash256.Of(bundle.Genesis.Span);
        if (pin is { } trusted && trusted != genesisHash)
        {
            return Wrong(Height.Genesis, "genesis hash", trusted.ToString(), genesisHash.ToString());
        }

        if (!Genesis.TryDecode(bundle.Genesis, out Genesis? genesis) || genesis is null
            || !GenesisValidators.TryMake(genesis, out ValidatorSet? validators) || validators is null)
        {
            return Wrong(Height.Genesis, "genesis", "one with a usable validator set", "other bytes");
        }

        if (FindBrokenLink(bundle, LightTrust.In(genesis.ChainId, validators)) is { } broken)
        {
            return new BundleCheck(broken);
        }

        return bundle.Claim switch
        {
            BundleClaim.Entries entries => CheckEntries(genesis, bundle, entries),
            BundleClaim.Delta delta => CheckDelta(genesis, bundle, delta),
            _ => Wrong(bundle.Header.Height, "claim", "a kind that is known", "another"),
        };
    }

    // From the validators of genesis along the headers; a set is spelled out exactly where it is another one.
    private static AuditFinding? FindBrokenLink(Bundle bundle, LightTrust trust)
    {
        foreach (BundleLink link in bundle.Links)
        {
            LightVerdict verdict = link.Validators?.Hash == trust.Validators.Hash
                ? LightVerdict.UntrustedValidators
                : LightVerifier.Verify(
                    trust, new LightBlock(link.Header, link.Commit, link.Validators ?? trust.Validators));
            if (verdict != LightVerdict.Valid)
            {
                return new AuditFinding(
                    link.Header.Height, "header", $"one that follows from height {trust.Height}", verdict.ToString());
            }

            trust = trust.After(new LightBlock(link.Header, link.Commit, link.Validators ?? trust.Validators));
        }

        return null;
    }

    private static BundleCheck CheckEntries(Genesis genesis, Bundle bundle, BundleClaim.Entries claim)
    {
        var read = new List<StateEntry>();
        foreach (BundleEntry item in claim.Items)
        {
            if (FindWrongEntry(bundle.Header, item, out StateEntry? entry) is { } finding)
            {
                return new BundleCheck(finding);
            }

            read.Add(entry!);
        }

        return new BundleCheck(Finding: null, genesis, bundle, read);
    }

    private static BundleCheck CheckDelta(Genesis genesis, Bundle bundle, BundleClaim.Delta claim)
    {
        BlockHeader header = bundle.Header;
        Hash256 root = claim.Path.RootOf(MerkleTree.Leaf(claim.Transaction.Span));
        if (root != header.TransactionsRoot)
        {
            return Wrong(header.Height, "transactions root", header.TransactionsRoot.ToString(), root.ToString());
        }

        if (FindWrongEntry(header, claim.Gateway, out StateEntry? entry) is { } finding)
        {
            return new BundleCheck(finding);
        }

        if (!TransactionCodec.TryDecode(claim.Transaction, out Transaction? transaction)
            || transaction!.Body is not RevealDeltas reveal || transaction.ChainId != genesis.ChainId)
        {
            return Wrong(header.Height, "transaction", "a reveal on this chain", "other bytes");
        }

        if (entry is not StateEntry.OfAccount { Account: var gateway } || gateway.Key.Account != transaction.Signer
            || !gateway.Has(AccountRoles.Gateway) || transaction.Nonce <= gateway.Nonce)
        {
            return Wrong(
                header.Height, "signer", $"gateway {transaction.Signer} before nonce {transaction.Nonce}",
                "another account, role or nonce");
        }

        if (!transaction.Message.Verify(gateway.Key, TransactionCodec.Role))
        {
            return Wrong(header.Height, "transaction's signature", "the gateway's", "another");
        }

        SignedDelta? delta = Find(reveal, claim.DeltaHash);
        return delta is not null && IsSignedBy(gateway, delta)
            && delta.Task == reveal.Task && delta.Round == reveal.Round
            ? new BundleCheck(Finding: null, genesis, bundle, Entries: [], delta)
            : Wrong(
                header.Height, "delta", $"{claim.DeltaHash}, signed by the gateway's training key",
                delta is null ? "none in the transaction" : "another task, round or signature");
    }

    // A round uses the key that was registered when it opened: the present one, or the one before.
    private static bool IsSignedBy(Account gateway, SignedDelta delta) =>
        (gateway.TrainingKey is { } key && delta.Message.Verify(key, SignedDelta.Role))
        || (gateway.PreviousTrainingKey is { } before && delta.Message.Verify(before, SignedDelta.Role));

    private static SignedDelta? Find(RevealDeltas reveal, Hash256 hash)
    {
        foreach (ReadOnlyMemory<byte> bytes in reveal.SignedDeltas)
        {
            if (Hash256.Of(bytes.Span) == hash)
            {
                return SignedDelta.TryDecode(bytes, out SignedDelta? delta) ? delta : null;
            }
        }

        return null;
    }

    private static AuditFinding? FindWrongEntry(BlockHeader header, BundleEntry item, out StateEntry? entry)
    {
        entry = null;
        Hash256 root = item.Root;
        if (root != header.StateRoot)
        {
            return new AuditFinding(
                header.Height, $"state root of entry {item.Key}", header.StateRoot.ToString(), root.ToString());
        }

        return StateEntry.TryRead(item.Key, item.Value, out entry)
            ? null
            : new AuditFinding(header.Height, $"entry {item.Key}", "an account, device, task or version", "another");
    }

    private static BundleCheck Wrong(Height height, string what, string expected, string found) =>
        new(new AuditFinding(height, what, expected, found));
}
