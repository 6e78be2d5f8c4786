{# What every neuron does in a step: its update, the arrivals, the end of the step. #}
{% extends 'common_group.cpp' %}
{% block signature %}{{ function }}({% if vector_code|text %}std::int64_t begin, std::int64_t end{% else %}std::int64_t, std::int64_t{% endif %}){% endblock %}
{% block loop %}
{% if vector_code|text %}
{# Without it, so many arrays that could overlap keep the compiler from vectorising the loop. #}
#pragma GCC ivdep  // no two arrays overlap
    for (std::int64_t _idx = begin; _idx < end; ++_idx) {
        {{ vector_code|text|indent(8) }}
    }
{% endif %}
{% endblock %}
