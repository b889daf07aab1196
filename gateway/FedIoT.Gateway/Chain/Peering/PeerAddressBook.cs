using System.Net;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Where peers are: what the configuration says, and what they say themselves. At most one of each for a member, so the
/// set and the connections bound it. Thread-safe.
/// </summary>
internal sealed class PeerAddressBook
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<AccountId, IPEndPoint> configured = [];
    private readonly SortedDictionary<AccountId, PeerAddress> told = [];

    /// <summary>All that peers said, for a peer that connects.</summary>
    public PeerAddress[] Told
    {
        get
        {
            lock (gate)
            {
                return [.. told.Values];
            }
        }
    }

    /// <summary>Sets what the configuration says.</summary>
    public void Configure(AccountId peer, IPEndPoint endPoint)
    {
        lock (gate)
        {
            configured[peer] = endPoint;
        }
    }

    /// <summary>True when this address is not known, or newer than the known one of its validator.</summary>
    public bool IsNews(PeerAddress address)
    {
        lock (gate)
        {
            return !told.TryGetValue(address.Account, out PeerAddress? known) || known.Sequence < address.Sequence;
        }
    }

    /// <summary>Keeps a verified address when it is news; false when it is not.</summary>
    public bool TryTell(PeerAddress address)
    {
        lock (gate)
        {
            if (!IsNews(address))
            {
                return false;
            }

            told[address.Account] = address;
            return true;
        }
    }

    /// <summary>What a peer said; null when it did not, or when it was forgotten.</summary>
    public PeerAddress? FindTold(AccountId peer)
    {
        lock (gate)
        {
            return told.GetValueOrDefault(peer);
        }
    }

    /// <summary>Forgets what those say who need not be found any more.</summary>
    public void ForgetTold(Predicate<AccountId> isForgotten)
    {
        lock (gate)
        {
            foreach (AccountId peer in told.Keys.Where(p => isForgotten(p)).ToArray())
            {
                told.Remove(peer);
            }
        }
    }

    /// <summary>What the configuration says of all peers, by account.</summary>
    public KeyValuePair<AccountId, IPEndPoint>[] Configured
    {
        get
        {
            lock (gate)
            {
                return [.. configured];
            }
        }
    }

    /// <summary>True for a peer that the configuration names.</summary>
    public bool IsConfigured(AccountId peer)
    {
        lock (gate)
        {
            return configured.ContainsKey(peer);
        }
    }

    /// <summary>Where to dial: the configured address and the peer's own take turns; null when nothing is known.
    /// </summary>
    public IPEndPoint? Find(AccountId peer, int attempt)
    {
        lock (gate)
        {
            IPEndPoint? first = configured.GetValueOrDefault(peer);
            IPEndPoint? second = told.GetValueOrDefault(peer)?.EndPoint;
            return attempt % 2 == 0 ? first ?? second : second ?? first;
        }
    }

    /// <summary>True for an address of a peer in the configuration: capped like all, never banned.</summary>
    public bool IsConfigured(IPAddress address)
    {
        IPAddress network = PeerBans.NetworkOf(address);
        lock (gate)
        {
            return configured.Values.Any(e => PeerBans.NetworkOf(e.Address).Equals(network));
        }
    }
}
