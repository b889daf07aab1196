namespace FedIoT.Gateway.Demo;

/// <summary>What a hostile gateway of the demo does with its devices' updates.</summary>
public enum AttackKind
{
    /// <summary>Sends the negated delta.</summary>
    SignFlip,

    /// <summary>Trains on labels turned to the next class.</summary>
    LabelFlip,

    /// <summary>Sends the delta × -10, saturated.</summary>
    Scaled,

    /// <summary>Sends uniform noise over the whole range.</summary>
    Noise,
}
