using System.Net;
using System.Net.Sockets;
using FedIoT.Wire;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>
/// Who misbehaved, and until when it is kept out: members by account, strangers by address. A ban doubles with each
/// offence and is jittered, so that the banned do not return together; offences are forgotten after twice the
/// longest ban. Thread-safe and bounded.
/// </summary>
/// <param name="limits">Bounds.</param>
/// <param name="seed">Of the jitter.</param>
/// <param name="time">Monotonic clock.</param>
internal sealed class PeerBans(PeerLimits limits, ulong seed, TimeProvider time)
{
    private const int AddressesMax = 4_096;
    private const int AccountsOfAddressMax = 4; // behind one router

    private readonly Lock gate = new();
    private readonly Dictionary<AccountId, Offender> accounts = []; // at most the members of the chain
    private readonly Dictionary<IPAddress, Offender> addresses = [];
    private SplitMix64 jitter = new(seed);

    /// <summary>The address, or the network that one subscriber of IPv6 has.</summary>
    public static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        byte[] bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    /// <summary>How long a member is still kept out; zero when it is not.</summary>
    public TimeSpan RemainingOf(AccountId account)
    {
        lock (gate)
        {
            return accounts.TryGetValue(account, out Offender? offender) ? RemainingOf(offender) : TimeSpan.Zero;
        }
    }

    /// <summary>How long an address is still kept out; zero when it is not.</summary>
    public TimeSpan RemainingOf(IPAddress address)
    {
        lock (gate)
        {
            return addresses.TryGetValue(NetworkOf(address), out Offender? offender)
                ? RemainingOf(offender)
                : TimeSpan.Zero;
        }
    }

    /// <summary>A member misbehaved: every time counts.</summary>
    public void Punish(AccountId account)
    {
        lock (gate)
        {
            Punish(accounts, account, forgiven: 0);
        }
    }

    /// <summary>A stranger at an address misbehaved.</summary>
    public void Punish(IPAddress address)
    {
        lock (gate)
        {
            if (addresses.Count >= AddressesMax)
            {
                addresses.Remove(addresses.MinBy(a => a.Value.LastAt).Key);
            }

            Punish(addresses, NetworkOf(address), limits.OffencesForgiven);
        }
    }

    /// <summary>A stranger at an address that was punished called itself an account; nothing proves that.</summary>
    public void Remember(IPAddress address, AccountId account)
    {
        lock (gate)
        {
            if (addresses.TryGetValue(NetworkOf(address), out Offender? offender)
                && !offender.Accounts.Contains(account))
            {
                offender.Accounts.Enqueue(account);
                if (offender.Accounts.Count > AccountsOfAddressMax)
                {
                    offender.Accounts.Dequeue();
                }
            }
        }
    }

    /// <summary>Forgets the offences of addresses from which somebody called who is a member now.</summary>
    public void Forgive(Func<AccountId, bool> isMember)
    {
        lock (gate)
        {
            foreach ((IPAddress address, Offender offender) in addresses)
            {
                if (offender.Accounts.Any(isMember))
                {
                    addresses.Remove(address);
                }
            }
        }
    }

    private void Punish<T>(Dictionary<T, Offender> offenders, T who, int forgiven)
        where T : notnull
    {
        long now = time.GetTimestamp();
        if (!offenders.TryGetValue(who, out Offender? offender)
            || time.GetElapsedTime(offender.LastAt, now) > limits.BanMax * 2)
        {
            offenders[who] = offender = new Offender();
        }

        offender.LastAt = now;
        int counted = ++offender.Offences - forgiven;
        if (counted > 0)
        {
            double factor = Math.Pow(2, Math.Min(counted - 1, 20)) * (0.5 + (jitter.Next(1_000) / 1_000.0));
            offender.Ban = TimeSpan.FromSeconds(
                Math.Min(limits.BanFirst.TotalSeconds * factor, limits.BanMax.TotalSeconds));
        }
    }

    private TimeSpan RemainingOf(Offender offender)
    {
        TimeSpan remaining = offender.Ban - time.GetElapsedTime(offender.LastAt);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    private sealed class Offender
    {
        public long LastAt { get; set; }

        public int Offences { get; set; }

        public TimeSpan Ban { get; set; }

        /// <summary>The last ones that called from an address and were no members.</summary>
        public Queue<AccountId> Accounts { get; } = new(capacity: 0);
    }
}
