namespace FedIoT.Faults.Tests.Links;

/// <summary>What one direction of a link does to its packets. The default is a perfect link.</summary>
/// <param name="DelayMs">Every packet waits so long.</param>
/// <param name="JitterMs">And up to so long more, at random; the order stays.</param>
/// <param name="LossPerMille">Packets lost, in a thousand.</param>
/// <param name="IsCut">Nothing gets through.</param>
internal readonly record struct LinkState(int DelayMs = 0, int JitterMs = 0, int LossPerMille = 0, bool IsCut = false)
{
    public static LinkState Cut => new(IsCut: true);

    public override string ToString() =>
        IsCut ? "cut" : $"{DelayMs}+{JitterMs} ms, {LossPerMille / 10.0:0.#} % lost";
}
