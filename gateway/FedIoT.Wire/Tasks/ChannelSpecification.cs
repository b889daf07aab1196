namespace FedIoT.Wire.Tasks;

/// <summary>One sensor channel: what an int16 sample of it means.</summary>
/// <param name="Name">Such as <c>ax</c>; 1 to 32 characters.</param>
/// <param name="Unit">Such as <c>g</c>; 1 to 16 characters.</param>
/// <param name="RangeMillionths">Full scale: sample 32767 = this many millionths of the unit.</param>
public sealed record ChannelSpecification(string Name, string Unit, long RangeMillionths);
