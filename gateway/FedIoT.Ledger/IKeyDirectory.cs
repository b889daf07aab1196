using FedIoT.Wire;

namespace FedIoT.Ledger;

/// <summary>Whose a node key is: the same question to a state and to the block being executed on it.</summary>
internal interface IKeyDirectory
{
    /// <summary>The account of this name; null when there is none.</summary>
    Account? FindAccount(AccountId id);

    /// <summary>The node key with this hash, present or retired; null when it never was one.</summary>
    NodeKeyRecord? FindKey(AccountId key);

    /// <summary>Who signs with a key now: a reason, or null and the account.</summary>
    RejectionReason? FindSigner(AccountId key, out Account? signer)
    {
        signer = null;
        if (FindKey(key) is not { } record)
        {
            return RejectionReason.UnknownSigner;
        }

        Account account = FindAccount(record.Account)!;
        if (account.IsRevoked)
        {
            return RejectionReason.KeyRevoked;
        }

        if (!record.IsInForce)
        {
            return RejectionReason.KeyRetired;
        }

        signer = account;
        return null;
    }

    /// <summary>A recorded key, or the first key of an account, which is not recorded while it is in force.</summary>
    static NodeKeyRecord? Find(
        AccountId key, IReadOnlyDictionary<AccountId, NodeKeyRecord> recorded,
        IReadOnlyDictionary<AccountId, Account> accounts) =>
        recorded.TryGetValue(key, out NodeKeyRecord? known) ? known
        : accounts.TryGetValue(key, out Account? account)
            ? new NodeKeyRecord(account.Key, account.Id, Height.Genesis, Height.Genesis)
            : null;
}
