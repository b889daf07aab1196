using System.Net;
using System.Net.Sockets;
using FedIoT.Gateway.Configuration;
using FedIoT.Wire;

namespace FedIoT.Gateway.Operate;

/// <summary>
/// Turns the configured peers into addresses. Names are looked up again all the time, because a gateway behind DHCP
/// changes its address, and a name that is unknown at start may be known later.
/// </summary>
/// <param name="peers">From the configuration, without this gateway.</param>
/// <param name="connect">Takes the addresses known so far; called again when they change.</param>
/// <param name="time">For the interval.</param>
internal sealed class PeerResolver(
    IReadOnlyList<PeerAddress> peers, Action<IReadOnlyDictionary<AccountId, IPEndPoint>> connect, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly SortedDictionary<AccountId, IPEndPoint> known = [];

    /// <summary>The peers whose address is a number, at once.</summary>
    public IReadOnlyDictionary<AccountId, IPEndPoint> Numeric()
    {
        foreach (PeerAddress peer in peers)
        {
            if (IPAddress.TryParse(peer.Host, out IPAddress? address))
            {
                known[peer.Account] = new IPEndPoint(address, peer.Port);
            }
        }

        return new SortedDictionary<AccountId, IPEndPoint>(known);
    }

    /// <summary>Looks names up until cancelled; ends at once when there are none.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        PeerAddress[] named = [.. peers.Where(p => !IPAddress.TryParse(p.Host, out _))];
        while (named.Length > 0 && !cancellation.IsCancellationRequested)
        {
            bool isChanged = false;
            foreach (PeerAddress peer in named)
            {
                isChanged |= await LookUpAsync(peer, cancellation).ConfigureAwait(false);
            }

            if (isChanged)
            {
                connect(new SortedDictionary<AccountId, IPEndPoint>(known));
            }

            await Task.Delay(Interval, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> LookUpAsync(PeerAddress peer, CancellationToken cancellation)
    {
        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(peer.Host, cancellation).ConfigureAwait(false);
            bool isSame = known.TryGetValue(peer.Account, out IPEndPoint? last) && found.Contains(last.Address);
            if (found.Length == 0 || isSame)
            {
                return false;
            }

            known[peer.Account] = new IPEndPoint(found[0], peer.Port);
            return true;
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            return false; // unknown for now; the next turn asks again
        }
    }
}
