using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace FedIoT.Faults.Tests.Links;

/// <summary>
/// A network namespace for each node, with one interface that leads to a <see cref="PacketSwitch"/>. Needs root,
/// <c>ip</c> of Debian's iproute2, and /dev/net/tun.
/// </summary>
internal sealed class NodeNamespaces : IDisposable
{
    private static int made;

    private readonly string[] names;

    private NodeNamespaces(string[] names, PacketSwitch links) => (this.names, Links) = (names, links);

    /// <summary>The network between them.</summary>
    public PacketSwitch Links { get; }

    /// <summary>Makes them; null, and what is missing, where this machine does not have what it takes.</summary>
    public static NodeNamespaces? TryCreate(int count, ulong seed, out string lack)
    {
        string tag = string.Create(
            CultureInfo.InvariantCulture, $"fi{Environment.ProcessId % 100_000}x{Interlocked.Increment(ref made)}n");
        string[] names = [.. Enumerable.Range(0, count).Select(i => tag + i.ToString(CultureInfo.InvariantCulture))];
        var devices = new List<TunDevice>();
        try
        {
            Remove(names); // a killed run may have had this process id
            for (int i = 0; i < count; i++)
            {
                Ip("netns", "add", names[i]);
                devices.Add(TunDevice.Create(names[i]));
                Ip("link", "set", names[i], "netns", names[i]);
                Ip("-n", names[i], "addr", "add", AddressOf(i) + "/24", "dev", names[i]);
                Ip("-n", names[i], "link", "set", names[i], "up", "mtu", $"{PacketSwitch.PacketBytesMax}");
                Ip("-n", names[i], "link", "set", "lo", "up");
            }

            lack = string.Empty;
            return new NodeNamespaces(names, new PacketSwitch(devices, seed));
        }
        catch (Exception e) when (e is IOException or Win32Exception)
        {
            lack = $"no network namespaces with tun devices here, so links cannot be disturbed: {e.Message}";
            devices.ForEach(d => d.Dispose());
            Remove(names);
            return null;
        }
    }

    /// <summary>Address of a node inside.</summary>
    public static string AddressOf(int node) => string.Create(CultureInfo.InvariantCulture, $"10.77.0.{node + 1}");

    /// <summary>The command that runs another one inside, in its place.</summary>
    public string[] Within(int node) => ["ip", "netns", "exec", names[node]];

    public void Dispose()
    {
        Remove(names); // with the interfaces; what reads them ends
        Links.Dispose();
    }

    private static void Remove(string[] names)
    {
        foreach (string name in names.Where(n => File.Exists("/var/run/netns/" + n)))
        {
            Ip("netns", "del", name);
        }
    }

    private static void Ip(params string[] arguments)
    {
        using Process ip = Process.Start(new ProcessStartInfo("ip", arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        string error = ip.StandardError.ReadToEnd();
        ip.WaitForExit();
        if (ip.ExitCode != 0)
        {
            throw new IOException($"ip {string.Join(' ', arguments)}: {error.Trim()}");
        }
    }
}
