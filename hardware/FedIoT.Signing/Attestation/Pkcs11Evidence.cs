using System.Formats.Cbor;
using FedIoT.Wire.Cose;

namespace FedIoT.Signing.Attestation;

/// <summary>
/// The attributes of a private key as its PKCS#11 token tells them. No PKCS#11 call signs them, so they are a claim.
/// </summary>
/// <param name="Manufacturer">Of the token, printable ASCII, at most <see cref="TextLengthMax"/>.</param>
/// <param name="Model">As above.</param>
/// <param name="SerialNumber">As above.</param>
/// <param name="Sensitive">CKA_SENSITIVE: never in plain text outside.</param>
/// <param name="Extractable">CKA_EXTRACTABLE: may leave the token, wrapped.</param>
/// <param name="AlwaysSensitive">CKA_ALWAYS_SENSITIVE: and it never was otherwise.</param>
/// <param name="NeverExtractable">CKA_NEVER_EXTRACTABLE.</param>
/// <param name="Local">CKA_LOCAL: made in the token.</param>
/// <param name="Mechanism">CKA_KEY_GEN_MECHANISM; null where the token does not say.</param>
public sealed record Pkcs11Evidence(
    string Manufacturer, string Model, string SerialNumber, TokenAnswer Sensitive, TokenAnswer Extractable,
    TokenAnswer AlwaysSensitive, TokenAnswer NeverExtractable, TokenAnswer Local, ulong? Mechanism)
    : AttestationEvidence
{
    /// <summary>Longest text, characters: the field of a token's manufacturer.</summary>
    public const int TextLengthMax = 32;

    internal const int Kind = 1;
    private const int Fields = 10;

    /// <inheritdoc/>
    public override string Device => "pkcs11";

    /// <inheritdoc/>
    public override VerifyingKey? Attester => null;

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, string?>> Identity =>
    [
        new("manufacturer", Manufacturer),
        new("model", Model),
        new("serialNumber", SerialNumber),
        new("mechanism", Mechanism is { } number ? $"0x{number:x}" : null),
    ];

    /// <inheritdoc/>
    public override IReadOnlyList<KeyValuePair<string, bool?>> Claims =>
    [
        new("sensitive", Flag(Sensitive)),
        new("extractable", Flag(Extractable)),
        new("alwaysSensitive", Flag(AlwaysSensitive)),
        new("neverExtractable", Flag(NeverExtractable)),
        new("madeInside", Flag(Local)),
    ];

    internal static string Printable(string text)
    {
        string trimmed = text.TrimEnd(' ', '\0');
        return string.Concat(trimmed.Take(TextLengthMax).Select(c => c is >= ' ' and <= '~' ? c : '?'));
    }

    internal static Pkcs11Evidence? Read(CborReader reader, int fields)
    {
        if (fields != Fields)
        {
            return null;
        }

        (string manufacturer, string model, string serial) =
            (reader.ReadTextString(), reader.ReadTextString(), reader.ReadTextString());
        var answers = new TokenAnswer[5];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = (TokenAnswer)reader.ReadUInt32();
        }

        bool isUnknown = reader.PeekState() == CborReaderState.Null;
        ulong? mechanism = isUnknown ? null : reader.ReadUInt64();
        if (isUnknown)
        {
            reader.ReadNull();
        }

        return answers.All(a => a is TokenAnswer.No or TokenAnswer.Yes or TokenAnswer.None)
            && IsText(manufacturer) && IsText(model) && IsText(serial)
            ? new Pkcs11Evidence(
                manufacturer, model, serial, answers[0], answers[1], answers[2], answers[3], answers[4], mechanism)
            : null;
    }

    internal override void Write(CborWriter writer)
    {
        writer.WriteStartArray(Fields);
        writer.WriteInt32(Kind);
        writer.WriteTextString(Manufacturer);
        writer.WriteTextString(Model);
        writer.WriteTextString(SerialNumber);
        foreach (TokenAnswer answer in
            (ReadOnlySpan<TokenAnswer>)[Sensitive, Extractable, AlwaysSensitive, NeverExtractable, Local])
        {
            writer.WriteInt32((int)answer);
        }

        if (Mechanism is { } number)
        {
            writer.WriteUInt64(number);
        }
        else
        {
            writer.WriteNull();
        }

        writer.WriteEndArray();
    }

    internal override string? Objection(ReadOnlySpan<byte> challenge, VerifyingKey key) =>
        Sensitive == TokenAnswer.Yes && Extractable == TokenAnswer.No
            ? null
            : "the token does not say that the key stays inside (sensitive, not extractable)";

    private static bool IsText(string text) => text == Printable(text);

    private static bool? Flag(TokenAnswer answer) =>
        answer == TokenAnswer.None ? null : answer == TokenAnswer.Yes;
}
