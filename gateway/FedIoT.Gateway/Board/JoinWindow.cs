using System.Security.Cryptography;
using System.Text;
using FedIoT.Wire;
using FedIoT.Wire.Frames;

namespace FedIoT.Gateway.Board;

/// <summary>
/// Devices that nobody enrolled and that connected while the join window was open: a name, and the password that they
/// showed, which proves the key without telling it. docs/spec/configuration.md, "Join window".
/// </summary>
/// <remarks>Thread-safe. Bounded: names beyond <see cref="PresentedMax"/> are not remembered.</remarks>
internal sealed class JoinWindow
{
    /// <summary>Most devices that are remembered in one window.</summary>
    public const int PresentedMax = 16;

    private readonly Lock gate = new();
    private readonly SortedDictionary<string, byte[]> presented = new(StringComparer.Ordinal);

    /// <summary>Names of the devices that connected in this window.</summary>
    public IReadOnlyList<string> Presented
    {
        get
        {
            lock (gate)
            {
                return [.. presented.Keys];
            }
        }
    }

    /// <summary>Begins a window: what presented itself in an earlier one is forgotten.</summary>
    public void Clear()
    {
        lock (gate)
        {
            presented.Clear();
        }
    }

    /// <summary>Remembers a device; a name that is none, or a password that is none, is ignored.</summary>
    /// <param name="name">The client id of its connection.</param>
    /// <param name="password">What it showed.</param>
    public void Present(string name, byte[] password)
    {
        if (!DeviceId.IsValid(name) || password.Length != DeviceCredentials.PasswordLength)
        {
            return;
        }

        lock (gate)
        {
            // The first password counts: a second device of the same name cannot take the first one's place.
            if (presented.Count < PresentedMax)
            {
                presented.TryAdd(name, [.. password]);
            }
        }
    }

    /// <summary>Whether a device of this name presented itself, and with this password.</summary>
    public bool? Shows(string name, string password)
    {
        lock (gate)
        {
            return presented.TryGetValue(name, out byte[]? shown)
                ? CryptographicOperations.FixedTimeEquals(shown, Encoding.ASCII.GetBytes(password))
                : null;
        }
    }
}
