using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Pkcs11;

/// <summary>A token in a slot, as it shows itself without a PIN.</summary>
/// <param name="Slot">Number of its slot.</param>
/// <param name="Label">Its label.</param>
/// <param name="SerialNumber">Its serial number.</param>
/// <param name="PinTrouble">What stands against sending it a PIN; null when nothing does.</param>
/// <param name="Keys">Public keys that it shows, with their labels, in order of the labels.</param>
public sealed record Pkcs11Token(
    ulong Slot, string Label, string SerialNumber, SignerFault? PinTrouble,
    IReadOnlyList<(string Label, VerifyingKey Key)> Keys);
