public class UsesMath { private static double Root(double v) { return System.Math.Sqrt(v); } }
