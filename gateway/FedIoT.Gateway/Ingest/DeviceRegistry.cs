using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Ingest;

/// <summary>The enrolled devices by name, each with what its messages are compared with. Immutable.</summary>
internal sealed class DeviceRegistry
{
    private readonly FrozenDictionary<string, Entry> byName;

    public DeviceRegistry(IReadOnlyList<EnrolledDevice> devices) =>
        byName = devices.Select((d, i) => new Entry(d, i)).ToFrozenDictionary(e => e.Id.Text, StringComparer.Ordinal);

    public int Count => byName.Count;

    public Entry? Find(string? name) => name is not null && byName.TryGetValue(name, out Entry? entry) ? entry : null;

    /// <summary>True when a decoded (so at most 24 ASCII characters long) key id names an enrolled device.</summary>
    public bool Contains(ReadOnlySpan<byte> keyId) => byName.ContainsKey(Encoding.ASCII.GetString(keyId));

    /// <summary>One device.</summary>
    public sealed class Entry(EnrolledDevice device, int index)
    {
        private readonly byte[] password = Encoding.ASCII.GetBytes(DeviceCredentials.Password(device.Key));

        /// <summary>The device's name.</summary>
        public DeviceId Id => device.Id;

        /// <summary>Place of the device's replay window.</summary>
        public int Index => index;

        /// <summary>The device's key.</summary>
        public ReadOnlySpan<byte> Key => device.Key;

        /// <summary>The one topic it may publish to.</summary>
        public string Topic { get; } = DeviceTopics.Telemetry(device.Id);

        /// <summary>The one filter it may subscribe to, or anything below it.</summary>
        public string CommandFilter { get; } = DeviceTopics.Commands(device.Id);

        /// <summary>Compares in constant time.</summary>
        public bool HasPassword(byte[]? shown) => CryptographicOperations.FixedTimeEquals(shown ?? [], password);

        /// <summary>True for the device's command filter and for filters below its prefix.</summary>
        public bool MaySubscribe(string? filter) =>
            filter is not null && filter.StartsWith(CommandFilter[..^1], StringComparison.Ordinal);
    }
}
