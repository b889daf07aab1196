using System.Diagnostics;
using FedIoT.Wire;

namespace FedIoT.Faults.Tests.Links;

/// <summary>
/// The network between nodes: carries IP packets from one interface to another and does to each direction of each
/// link what it is told. Real packets are lost and late, so that it is the kernel's TCP that repairs them, or gives up.
/// </summary>
/// <remarks>The kernel's own emulation (sch_netem) is missing in many kernels; this needs /dev/net/tun only.</remarks>
internal sealed class PacketSwitch : IDisposable
{
    /// <summary>Longest packet, and the interfaces' MTU.</summary>
    public const int PacketBytesMax = 1_500;

    private const int WaitingPacketsMax = 10_000; // 15 MB; beyond, the switch drops, as any switch does

    private readonly TunDevice[] devices;
    private readonly Thread[] threads;
    private readonly LinkState[,] links;
    private readonly long[,] lastDue; // of a link: packets stay in order
    private readonly Lock gate = new();
    private readonly PriorityQueue<(int To, byte[] Packet), (long Due, long Sequence)> waiting = new();
    private readonly SemaphoreSlim wake = new(0);
    private SplitMix64 random;
    private long sequence;
    private volatile bool isStopping;

    public PacketSwitch(IEnumerable<TunDevice> devices, ulong seed)
    {
        this.devices = [.. devices];
        random = SplitMix64.For(seed, stream: 3);
        links = new LinkState[this.devices.Length, this.devices.Length];
        lastDue = new long[this.devices.Length, this.devices.Length];
        threads =
        [
            .. this.devices.Select((_, node) => new Thread(() => ReadAll(node)) { IsBackground = true }),
            new Thread(DeliverAll) { IsBackground = true },
        ];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }
    }

    /// <summary>Of all that came in.</summary>
    public long PacketsLost { get; private set; }

    /// <summary>Sets one direction of a link.</summary>
    public void Set(int from, int to, LinkState state)
    {
        lock (gate)
        {
            links[from, to] = state;
        }
    }

    /// <summary>Sets what reaches a node, and what leaves it.</summary>
    public void SetAround(int node, LinkState incoming, LinkState outgoing)
    {
        for (int other = 0; other < devices.Length; other++)
        {
            if (other != node)
            {
                Set(other, node, incoming);
                Set(node, other, outgoing);
            }
        }
    }

    /// <summary>Sets all links.</summary>
    public void SetAll(LinkState state)
    {
        for (int node = 0; node < devices.Length; node++)
        {
            SetAround(node, state, state);
        }
    }

    /// <summary>Call it when the interfaces are gone (their namespaces removed), which ends the reading.</summary>
    public void Dispose()
    {
        isStopping = true;
        wake.Release();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        foreach (TunDevice device in devices)
        {
            device.Dispose();
        }

        wake.Dispose();
    }

    private void ReadAll(int node)
    {
        var buffer = new byte[PacketBytesMax + 64];
        while (!isStopping && devices[node].Read(buffer) is > 0 and int length)
        {
            // IPv4 only; the last byte of the destination address tells the node, from 1.
            int to = length >= 20 && buffer[0] >> 4 == 4 ? buffer[19] - 1 : -1;
            if (to >= 0 && to < devices.Length)
            {
                Take(node, to, buffer.AsSpan(0, length));
            }
        }
    }

    private void Take(int from, int to, ReadOnlySpan<byte> packet)
    {
        lock (gate)
        {
            LinkState link = links[from, to];
            if (link.IsCut || waiting.Count >= WaitingPacketsMax || random.Next(1_000) < link.LossPerMille)
            {
                PacketsLost++;
                return;
            }

            long now = Stopwatch.GetTimestamp();
            if (link is { DelayMs: > 0 } or { JitterMs: > 0 } || lastDue[from, to] > now)
            {
                long delay = link.DelayMs + random.Next(link.JitterMs + 1);
                long due = Math.Max(now + (delay * Stopwatch.Frequency / 1_000), lastDue[from, to]);
                lastDue[from, to] = due;
                waiting.Enqueue((to, packet.ToArray()), (due, sequence++));
                wake.Release();
                return;
            }
        }

        devices[to].Write(packet);
    }

    private void DeliverAll()
    {
        while (!isStopping)
        {
            TimeSpan wait = Timeout.InfiniteTimeSpan;
            while (TryTakeDue(out (int To, byte[] Packet) next, ref wait))
            {
                devices[next.To].Write(next.Packet);
            }

            wake.Wait(wait);
        }
    }

    private bool TryTakeDue(out (int To, byte[] Packet) next, ref TimeSpan wait)
    {
        lock (gate)
        {
            if (!waiting.TryPeek(out next, out (long Due, long Sequence) at))
            {
                return false;
            }

            long now = Stopwatch.GetTimestamp();
            if (at.Due > now)
            {
                wait = Stopwatch.GetElapsedTime(now, at.Due) + TimeSpan.FromMilliseconds(1);
                return false;
            }

            waiting.Dequeue();
            return true;
        }
    }
}
