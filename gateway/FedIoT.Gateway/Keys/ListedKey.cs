using FedIoT.Wire.Cose;

namespace FedIoT.Gateway.Keys;

/// <summary>A key that a search found, or a place that holds none for a reason.</summary>
/// <param name="Signer">Its address, ready for the configuration but for the PIN's source.</param>
/// <param name="Key">Its public half; null when there is a problem.</param>
/// <param name="Problem">Why it cannot be used; null when it can.</param>
/// <param name="IsExportable">Whether the key can leave its place; null where a PIN is needed to know.</param>
public sealed record ListedKey(string Signer, VerifyingKey? Key, string? Problem, bool? IsExportable = null);
