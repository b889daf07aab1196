public class DoubleField { public double Value; }
