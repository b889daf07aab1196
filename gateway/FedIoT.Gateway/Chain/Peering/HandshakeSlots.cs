using System.Net;

namespace FedIoT.Gateway.Chain.Peering;

/// <summary>Connections that are half way in, bounded in all and for each address. Thread-safe.</summary>
internal sealed class HandshakeSlots(PeerLimits limits)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> byAddress = [];
    private int count;

    /// <summary>Takes a slot; false when there is none.</summary>
    public bool TryEnter(IPAddress address)
    {
        IPAddress network = PeerBans.NetworkOf(address);
        lock (gate)
        {
            int ofAddress = byAddress.GetValueOrDefault(network);
            if (count >= limits.HandshakesMax || ofAddress >= limits.HandshakesPerAddressMax)
            {
                return false;
            }

            count++;
            byAddress[network] = ofAddress + 1;
            return true;
        }
    }

    /// <summary>Gives a slot back.</summary>
    public void Leave(IPAddress address)
    {
        IPAddress network = PeerBans.NetworkOf(address);
        lock (gate)
        {
            count--;
            if (--byAddress[network] == 0)
            {
                byAddress.Remove(network);
            }
        }
    }
}
